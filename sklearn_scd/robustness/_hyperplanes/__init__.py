"""The first layer of an ensemble as hyperplanes, and what switching its units costs."""

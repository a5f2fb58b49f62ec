"""What all programs of the benchmark share; it knows no data set, model or attack."""

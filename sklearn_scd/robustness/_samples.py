"""Where :mod:`sklearn_scd.robustness._inputs` was; for what still imports it here."""

from sklearn_scd.robustness._inputs import as_numbers as as_numbers
from sklearn_scd.robustness._inputs import ask as ask

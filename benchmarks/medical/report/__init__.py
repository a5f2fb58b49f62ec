"""The report of the medical benchmark: one HTML file and its figures.

It is made from the record of a run (see ``benchmarks/medical/results.py``) and a few
images, says no more than the record holds, and needs neither a network nor a script to
read. ``page.html`` and the templates beside it say what; ``page.css``, how it looks.
"""

from benchmarks.medical.report._pictures import Pictures
from benchmarks.medical.report._write import write_report

__all__ = ["Pictures", "write_report"]

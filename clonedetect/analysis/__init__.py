"""From archived records and an index to findings and page verdicts; pure, and so repeatable."""

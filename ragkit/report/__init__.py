"""The auditor's report: one HTML file and its JSON."""

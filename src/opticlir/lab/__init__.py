"""The laboratory: studies, rival systems, test collections and probes. It builds on the product, never the reverse."""

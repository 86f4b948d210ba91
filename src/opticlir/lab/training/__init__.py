"""Training extensions that studies compare: adversaries, mixed batches, guided plans."""

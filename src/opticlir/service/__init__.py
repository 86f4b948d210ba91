"""Search as a service: an engine that answers questions in several languages, and an HTTP interface to it."""

"""One run of the ingest: what is handed on, embedded, committed and reported. `ragkit.pipeline` is the spine."""

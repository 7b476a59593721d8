"""Language models behind one verb: in process, and over HTTP through the egress gateway."""

"""The rqt plugin: what the operator's window shows, beside other tools, in one of rqt's panels."""

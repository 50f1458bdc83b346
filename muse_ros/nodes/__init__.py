"""The nodes, a file each, and what all of them use; what one node is made of beside its own file lies in a folder."""

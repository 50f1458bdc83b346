"""Networks: torch modules from tensors to tensors, with plain arguments, that know nothing of robots or datasets."""

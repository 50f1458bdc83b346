"""The original Muse's flat ``.npz``: read in bounded memory, without running what a pickle holds, and written."""

"""robomimic's HDF5 files, read and written. Needs h5py."""

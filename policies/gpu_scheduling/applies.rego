package usher.gpu_scheduling

# Most pods ask for no links. Here a variable's name is read, not its value.
applies if not is_null(_topology)

applies if not is_null(_old_topology)

applies if _names_nccl_topology

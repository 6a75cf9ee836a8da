"""What a job does with files and folders: those that grow, those that are read, disks that are full."""

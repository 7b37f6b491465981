"""The exercises of the course, a file each."""

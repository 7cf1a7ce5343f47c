"""Bad tokens, and what each of them has to be answered with: groups 1 to 56 of the list of bad inputs."""

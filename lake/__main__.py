"""`python -m lake`, as `lake`."""

from lake.cli import main

if __name__ == "__main__":
    main()

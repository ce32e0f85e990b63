"""`python -m vitals` is the command line."""

from vitals.cli import main

if __name__ == "__main__":
    raise SystemExit(main())

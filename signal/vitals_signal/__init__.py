"""Arrays in, arrays out: DSP for heart rate and motion; numpy and SciPy only."""

"""Nonlinear HRV against the outputs of others: NeuroKit2, EntropyHub, hrv-analysis, the PhysioNet toolbox."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitals.formats.wfdb import read_annotations
from vitals_signal import (
    heart_rate_turbulence,
    hrv_nonlinear,
    multiscale_entropy,
    poincare,
    recurrence_quantification,
    sample_entropy,
)
from vitals_signal.rr.entropy_multiscale import complexity_index

# neurokit2 0.2.13, numpy 2.4.6:
#   peaks = {"RRI": rr, "RRI_Time": numpy.cumsum(rr) / 1000}
#   neurokit2.hrv_nonlinear(peaks), neurokit2.hrv_rqa(peaks) (here RQA_...), neurokit2.fractal_hurst(rr) (Hurst),
#   neurokit2.entropy_permutation(rr, dimension=3, delay=1) (PermEn)
# rr = numpy.loadtxt("dsp_golden/hrvanalysis/test_nn_intervals.txt"), 1000 intervals
NN_1000 = {
    "SD1": 13.809190375579929, "SD2": 59.41258772372171, "SD1SD2": 0.232428697430163, "S": 2577.4874428782205,
    "CSI": 4.302394717418516, "CVI": 4.118166668106683, "CSI_Modified": 1022.4656142828179, "PIP": 0.427,
    "IALS": 0.4039665970772443, "PSS": 0.627906976744186, "PAS": 0.09090909090909091, "GI": 49.87148364986435,
    "SI": 49.864909630414026, "AI": 49.87799936144289, "PI": 51.356993736951985, "C1d": 0.5657653444588651,
    "C1a": 0.43423465554113494, "SD1d": 10.386928157694468, "SD1a": 9.099786383451477, "C2d": 0.4685713423168897,
    "C2a": 0.5314286576831102, "SD2d": 40.66926563535316, "SD2a": 43.311273505982356, "Cd": 0.47355295820343923,
    "Ca": 0.5264470417965605, "SDNNd": 29.680611886145673, "SDNNa": 31.29434873051729,
    "DFA_alpha1": 1.478917562537826, "MFDFA_alpha1_Width": 1.6819321708128872, "MFDFA_alpha1_Peak": 1.679089557614478,
    "MFDFA_alpha1_Mean": 2.0073728146118546, "MFDFA_alpha1_Max": -0.8975269173878182,
    "MFDFA_alpha1_Delta": -1.0986040439348983, "MFDFA_alpha1_Asymmetry": -0.3048177788057199,
    "MFDFA_alpha1_Fluctuation": 0.0008145613232794377, "MFDFA_alpha1_Increment": 0.16783336095184712,
    "DFA_alpha2": 1.0119226046172245, "MFDFA_alpha2_Width": 0.4610949363509347,
    "MFDFA_alpha2_Peak": 1.0775021909632168, "MFDFA_alpha2_Mean": 1.1925634734540824,
    "MFDFA_alpha2_Max": 0.32379669700775704, "MFDFA_alpha2_Delta": -0.5719776709338706,
    "MFDFA_alpha2_Asymmetry": -0.2504607545650996, "MFDFA_alpha2_Fluctuation": 3.2382483975385466e-05,
    "MFDFA_alpha2_Increment": 0.012091486848754844, "ApEn": 1.1999355655594095, "SampEn": 1.2046675751816824,
    "ShanEn": 7.237242602459276, "FuzzyEn": 0.8163341509710318, "MSEn": 1.5470470814426702,
    "CMSEn": 1.3779027635881926, "RCMSEn": 2.1491079984339776, "CD": 1.5556379066134607, "HFD": 1.5949259109612166,
    "KFD": 2.9476739810839354, "LZC": 0.5780154885104011, "Symbolic_EqualProb4_0V": 0.4729458917835671,
    "Symbolic_EqualProb4_1V": 0.4308617234468938, "Symbolic_EqualProb4_2LV": 0.05110220440881764,
    "Symbolic_EqualProb4_2UV": 0.045090180360721446, "RQA_RecurrenceRate": 0.014368182914202233,
    "RQA_DiagRec": 0.08958888203859114, "RQA_Determinism": 0.8503737131575236, "RQA_DeteRec": 59.184499406460894,
    "RQA_L": 3.7062077443146895, "RQA_Divergence": 0.03225806451612903, "RQA_LEn": 1.762019068783656,
    "RQA_Laminarity": 0.7015935693132139, "RQA_TrappingTime": 2.6877363587250134, "RQA_VMax": 12.0,
    "RQA_VEn": 1.1248921424127043, "RQA_W": 107.5, "RQA_WMax": 974.0, "RQA_WEn": 5.347367366453617,
    "Hurst": 0.8047791975313694, "PermEn": 0.9082935547375246,
}  # fmt: skip
# rr = numpy.loadtxt("dsp_golden/hrv/rest_rri.txt"), 910 intervals
REST = {
    "SD1": 39.00945528912225, "SD2": 71.87886417160782, "SD1SD2": 0.5427110700579351, "S": 8808.885491279512,
    "CSI": 1.8426010729673319, "CVI": 4.651891074491239, "CSI_Modified": 529.7762889851107, "PIP": 0.5967032967032967,
    "IALS": 0.5939933259176863, "PSS": 0.9269662921348315, "PAS": 0.0457516339869281, "GI": 49.88281545323959,
    "SI": 49.87337424330322, "AI": 49.89100035388592, "PI": 50.50055617352614, "C1d": 0.5316453680769029,
    "C1a": 0.4683546319230971, "SD1d": 28.44340930759967, "SD1a": 26.696728420726835, "C2d": 0.4664835455462804,
    "C2a": 0.5335164544537195, "SD2d": 49.092977215237354, "SD2a": 52.50191141991529, "Cd": 0.4813093353673577,
    "Ca": 0.5186906646326421, "SDNNd": 40.11949616393171, "SDNNa": 41.64832536318042,
    "DFA_alpha1": 0.9095876851598615, "MFDFA_alpha1_Width": 1.6914839631630518,
    "MFDFA_alpha1_Peak": 0.9383130286581722, "MFDFA_alpha1_Mean": 1.7069120429994455,
    "MFDFA_alpha1_Max": -2.671404196355782, "MFDFA_alpha1_Delta": -3.447033686484926,
    "MFDFA_alpha1_Asymmetry": -0.04560667964950511, "MFDFA_alpha1_Fluctuation": 0.0020615352731798444,
    "MFDFA_alpha1_Increment": 0.21869511593016, "DFA_alpha2": 0.9379230492408085,
    "MFDFA_alpha2_Width": 0.37890721249202297, "MFDFA_alpha2_Peak": 1.0191047258142332,
    "MFDFA_alpha2_Mean": 0.9257944964779914, "MFDFA_alpha2_Max": 0.8902206088040447,
    "MFDFA_alpha2_Delta": 0.39907733100683895, "MFDFA_alpha2_Asymmetry": -0.7462614230078985,
    "MFDFA_alpha2_Fluctuation": 3.535470572937649e-05, "MFDFA_alpha2_Increment": 0.008800051961733484,
    "ApEn": 1.499443504687715, "SampEn": 1.7738200322056985, "ShanEn": 7.498071666114202,
    "FuzzyEn": 1.277686555833428, "MSEn": 1.5500440028818734, "CMSEn": 1.4217401498012363,
    "RCMSEn": 2.0406091169099616, "CD": 1.7266735002749076, "HFD": 1.9164452597454473, "KFD": 3.3627332518169344,
    "LZC": 0.874953342353814, "Symbolic_EqualProb4_0V": 0.14096916299559473,
    "Symbolic_EqualProb4_1V": 0.42731277533039647, "Symbolic_EqualProb4_2LV": 0.12555066079295155,
    "Symbolic_EqualProb4_2UV": 0.30616740088105726, "RQA_RecurrenceRate": 0.0018669332314115192,
    "RQA_DiagRec": 0.08766856995398518, "RQA_Determinism": 0.7152230971128609, "RQA_DeteRec": 383.1005228677124,
    "RQA_L": 2.9619565217391304, "RQA_Divergence": 0.08333333333333333, "RQA_LEn": 1.3195011399694168,
    "RQA_Laminarity": 0.005249343832020997, "RQA_TrappingTime": 2.0, "RQA_VMax": 2.0, "RQA_VEn": 0.0,
    "RQA_W": 245.5641952983725, "RQA_WMax": 903.0, "RQA_WEn": 6.063896998828663, "Hurst": 0.8127959553692479,
    "PermEn": 0.9921149072488686,
}  # fmt: skip
# the first 120 of them: too few for DFA_alpha2, which NeuroKit2 leaves out
REST_120 = {
    "SD1": 52.72190438890481, "SD2": 75.23131778087028, "SD1SD2": 0.7007973001678679, "S": 12460.619400316746,
    "CSI": 1.4269461365796665, "CVI": 4.8025097410051405, "CSI_Modified": 429.4041530288401, "PIP": 0.675,
    "IALS": 0.6810344827586207, "PSS": 0.9240506329113924, "PAS": 0.23333333333333334, "GI": 48.91094977033632,
    "SI": 48.873673998782806, "AI": 48.94922072402797, "PI": 53.44827586206896, "C1d": 0.5387424238036963,
    "C1a": 0.4612575761963037, "SD1d": 38.70274592807184, "SD1a": 35.81153587456024, "C2d": 0.4004965497194254,
    "C2a": 0.5995034502805747, "SD2d": 47.60998653514305, "SD2a": 58.24980993247778, "Cd": 0.44603790478468996,
    "Ca": 0.5539620952153098, "SDNNd": 43.38555842817621, "SDNNa": 48.3503177800555, "DFA_alpha1": 0.8678232819047021,
    "MFDFA_alpha1_Width": 1.8677561875480504, "MFDFA_alpha1_Peak": 1.0208078041939261,
    "MFDFA_alpha1_Mean": 1.545105926219844, "MFDFA_alpha1_Max": -1.0169149544015141,
    "MFDFA_alpha1_Delta": -1.3589847657861962, "MFDFA_alpha1_Asymmetry": -0.21928984868511928,
    "MFDFA_alpha1_Fluctuation": 0.003584368097343044, "MFDFA_alpha1_Increment": 0.2912021727670077,
    "ApEn": 0.69593209303956, "SampEn": 1.633154439051416, "ShanEn": 6.301647341582762, "FuzzyEn": 1.3174668269117775,
    "MSEn": 1.1384149220573576, "CMSEn": 1.292620679110624, "RCMSEn": 1.7533304036709654, "CD": 1.9431852965034282,
    "HFD": 1.9256733171271059, "KFD": 3.3618880448493953, "LZC": 1.0360335893412778,
    "Symbolic_EqualProb4_0V": 0.11016949152542373, "Symbolic_EqualProb4_1V": 0.3983050847457627,
    "Symbolic_EqualProb4_2LV": 0.09322033898305085, "Symbolic_EqualProb4_2UV": 0.3983050847457627,
    "RQA_RecurrenceRate": 0.0009315323707498836, "RQA_DiagRec": 1.657727901436477,
    "RQA_Determinism": 0.3333333333333333, "RQA_DeteRec": 357.8333333333333, "RQA_L": 2.0, "RQA_Divergence": 0.5,
    "RQA_LEn": 0.0, "RQA_Laminarity": 0.0, "RQA_TrappingTime": 0.0, "RQA_VMax": 0.0, "RQA_VEn": 0.0,
    "RQA_W": 55.456896551724135, "RQA_WMax": 111.0, "RQA_WEn": 4.629571296667024, "Hurst": 1.2831718379952441,
    "PermEn": 0.9969460898099665,
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "count", "golden"),
    [
        ("hrvanalysis/test_nn_intervals.txt", 1000, NN_1000),
        ("hrv/rest_rri.txt", 910, REST),
        ("hrv/rest_rri.txt", 120, REST_120),
    ],
)
def test_neurokit(shared: Path, path: str, count: int, golden: dict[str, float]) -> None:
    """All 60 of its nonlinear names, its RQA, Hurst exponent and permutation entropy, to 1e-9."""
    nn = np.loadtxt(shared / "data" / "dsp_golden" / path)[:count]
    ours = hrv_nonlinear(nn, convention="neurokit")
    assert len(golden) >= 67
    off = {name: (ours[name], value) for name, value in golden.items() if ours[name] != pytest.approx(value, rel=1e-9)}
    assert not off
    late = {name for name in ours if "alpha2" in name} if count == 120 else set()
    assert ours.reasons == dict.fromkeys(late, "too little data")


def test_entropyhub(shared: Path) -> None:
    """EntropyHub's published SampEn of its own series, m = 0..4, r = 0.2 SD (ddof 0)."""
    text = (shared / "data" / "dsp_golden" / "entropyhub" / "gaussian.txt").read_text()
    x = np.array(text.split("\n", 2)[2].split(), np.float64)
    found = [sample_entropy(x, m=m, r=0.2 * float(x.std())) for m in range(5)]
    assert found == pytest.approx([2.1789, 2.1757, 2.1819, 2.2209, 2.1756], abs=1e-4)


def test_hrv_analysis(shared: Path) -> None:
    """SampEn and SD2 of its own test series, and why SD2 has two values."""
    nn = np.loadtxt(shared / "data" / "dsp_golden" / "hrvanalysis" / "test_nn_intervals.txt")
    assert sample_entropy(nn) == pytest.approx(1.2046675751816824, rel=1e-12)
    assert poincare(nn, axes="series")["SD2"] == pytest.approx(59.387, abs=5e-4)
    assert poincare(nn, axes="points")["SD2"] == pytest.approx(59.413, abs=5e-4)
    assert hrv_nonlinear(nn, convention="hrv-analysis")["SD2"] == poincare(nn, axes="series")["SD2"]


def test_physionet_turbulence(shared: Path) -> None:
    """dsp_golden/pcst/HRTtest.csv is nsr004 at the 128 Hz of its header, 16 intervals after the pause."""
    notes = read_annotations(shared / "data" / "nsr2db" / "nsr004.ecg", "ecg")
    beats = ~np.isin(notes.symbol, ["+", "~", "|", "x"])
    symbol, rr = notes.symbol[beats][1:], np.diff(notes.sample[beats]) / 128 * 1000
    found = heart_rate_turbulence(rr, symbol == "N", symbol == "V", after=16)
    assert len(found.beats) == 16
    assert found.onset_percent == pytest.approx(-5.87307661089698, rel=1e-12)
    assert found.slope_ms == pytest.approx(12.5976562500001, rel=1e-12)


def test_entropy_by_entry(shared: Path) -> None:
    """The single functions give what the dict gives."""
    nn = np.loadtxt(shared / "data" / "dsp_golden" / "hrv" / "rest_rri.txt")
    values = hrv_nonlinear(nn)
    assert values["SampEn"] == sample_entropy(nn)
    assert values["RCMSEn"] == complexity_index(multiscale_entropy(nn, method="rcmse"))
    assert values["RQA_L"] == recurrence_quantification(nn)["L"]

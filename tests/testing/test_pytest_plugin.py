pytest_plugins = ["pytester"]

TEST = """
import numpy as np

def test_golden(quantlib_golden):
    quantlib_golden.check("vectors", {"y": np.int8([1, VALUE])})
"""


def run(pytester, value, *arguments):
    pytester.makepyfile(test_it=TEST.replace("VALUE", str(value)))
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def test_golden_files_are_written_on_request_and_compared_after(pytester):
    run(pytester, 2).assert_outcomes(failed=1)
    run(pytester, 2, "--golden-update").assert_outcomes(passed=1)
    run(pytester, 2).assert_outcomes(passed=1)
    changed = run(pytester, 3)
    changed.assert_outcomes(failed=1)
    changed.stdout.fnmatch_lines(["*[[]1]: y 3, golden 2*"])

# CMake generated Testfile for 
# Source directory: /tmp/wt/file2/tests/ground_truth
# Build directory: /tmp/wt/file2/build-u/tests/ground_truth
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
include("/tmp/wt/file2/build-u/tests/ground_truth/test_ground_truth[1]_include.cmake")
add_test([=[model_alone_on_a_preset]=] "/tmp/wt/file2/build-u/tests/ground_truth/model_alone" "/tmp/wt/file2/tests/ground_truth/example_case.json" "small-512m")
set_tests_properties([=[model_alone_on_a_preset]=] PROPERTIES  PASS_REGULAR_EXPRESSION "\"verdict\": \"oom_kill\"" TIMEOUT "120" _BACKTRACE_TRIPLES "/tmp/wt/file2/tests/ground_truth/CMakeLists.txt;11;add_test;/tmp/wt/file2/tests/ground_truth/CMakeLists.txt;0;")
add_test([=[ground_truth_accuracy]=] "/tmp/wt/file2/scripts/score_model" "/tmp/wt/file2/tests/ground_truth" "--group" "." "--model" "/tmp/wt/file2/build-u/tests/ground_truth/model_alone" "--at-least" "/tmp/wt/file2/tests/ground_truth/threshold")
set_tests_properties([=[ground_truth_accuracy]=] PROPERTIES  TIMEOUT "900" _BACKTRACE_TRIPLES "/tmp/wt/file2/tests/ground_truth/CMakeLists.txt;15;add_test;/tmp/wt/file2/tests/ground_truth/CMakeLists.txt;0;")
add_test([=[ground_truth_recorder]=] "/tmp/wt/file2/tests/ground_truth/recorder_test.py")
set_tests_properties([=[ground_truth_recorder]=] PROPERTIES  _BACKTRACE_TRIPLES "/tmp/wt/file2/tests/ground_truth/CMakeLists.txt;20;add_test;/tmp/wt/file2/tests/ground_truth/CMakeLists.txt;0;")

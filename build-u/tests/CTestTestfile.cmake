# CMake generated Testfile for 
# Source directory: /tmp/wt/file2/tests
# Build directory: /tmp/wt/file2/build-u/tests
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
include("/tmp/wt/file2/build-u/tests/test_base[1]_include.cmake")
include("/tmp/wt/file2/build-u/tests/test_host[1]_include.cmake")
include("/tmp/wt/file2/build-u/tests/test_mm[1]_include.cmake")
include("/tmp/wt/file2/build-u/tests/test_sim[1]_include.cmake")
include("/tmp/wt/file2/build-u/tests/test_property[1]_include.cmake")
include("/tmp/wt/file2/build-u/tests/test_report[1]_include.cmake")
include("/tmp/wt/file2/build-u/tests/test_preload[1]_include.cmake")
include("/tmp/wt/file2/build-u/tests/test_end_to_end[1]_include.cmake")
add_test([=[check_layers]=] "/tmp/wt/file2/scripts/check_layers")
set_tests_properties([=[check_layers]=] PROPERTIES  _BACKTRACE_TRIPLES "/tmp/wt/file2/tests/CMakeLists.txt;35;add_test;/tmp/wt/file2/tests/CMakeLists.txt;0;")
subdirs("guests")
subdirs("ground_truth")
subdirs("bench")
subdirs("fuzz")

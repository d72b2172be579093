# CMake generated Testfile for 
# Source directory: /tmp/wt/file2/tests/bench
# Build directory: /tmp/wt/file2/build-u/tests/bench
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[model_bench_runs]=] "/tmp/wt/file2/build-u/tests/bench/model_bench" "--benchmark_filter=FirstTouchInWindows" "--benchmark_min_time=0.001")
set_tests_properties([=[model_bench_runs]=] PROPERTIES  _BACKTRACE_TRIPLES "/tmp/wt/file2/tests/bench/CMakeLists.txt;4;add_test;/tmp/wt/file2/tests/bench/CMakeLists.txt;0;")

# CMake generated Testfile for 
# Source directory: /tmp/wt/file2/tests/fuzz
# Build directory: /tmp/wt/file2/build-u/tests/fuzz
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.

# CMake generated Testfile for 
# Source directory: /tmp/wt/file2
# Build directory: /tmp/wt/file2/build-u
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
subdirs("model")
subdirs("preload")
subdirs("report")
subdirs("tests")

// Nothing: CMake needs a source to compile the headers beside (tests/CMakeLists.txt) that tests with gRPC begin with.

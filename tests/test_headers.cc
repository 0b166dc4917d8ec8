// Nothing: CMake wants a source beside the headers that tests begin with (tests/CMakeLists.txt).

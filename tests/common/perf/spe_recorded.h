// Bytes that hardware wrote: those published ones of Arm SPE under tests/fixtures/spe.
#ifndef HFTMON_TESTS_COMMON_PERF_SPE_RECORDED_H_
#define HFTMON_TESTS_COMMON_PERF_SPE_RECORDED_H_

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "tests/common/perf/perf_data_writer.h"

namespace hftmon {

inline Bytes RecordedSpe(const std::string& name) {
  std::ifstream file("tests/fixtures/spe/" + name + ".hex");
  EXPECT_TRUE(file) << name;
  ByteWriter to;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream bytes(line);
    for (unsigned byte = 0; bytes >> std::hex >> byte;) to.Put(static_cast<uint8_t>(byte));
  }
  return to.bytes;
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_COMMON_PERF_SPE_RECORDED_H_

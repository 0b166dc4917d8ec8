// MarkerDirectory: a directory of its own on /dev/shm, removed with all that is in it; and sinks that remember what a marker file told.
#ifndef HFTMON_TESTS_FAKES_MARKER_DIRECTORY_H_
#define HFTMON_TESTS_FAKES_MARKER_DIRECTORY_H_

#include <sys/types.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/marker/hftmon_marker.h"
#include "daemon/markers/marker_processes.h"
#include "daemon/markers/marker_record.h"
#include "daemon/markers/marker_ring_name.h"

namespace hftmon {

class MarkerDirectory {
 public:
  MarkerDirectory() {
    std::string pattern = "/dev/shm/hftmon_test.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~MarkerDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  MarkerDirectory(const MarkerDirectory&) = delete;
  MarkerDirectory& operator=(const MarkerDirectory&) = delete;

  const std::string& path() const { return path_; }

  // A small marker of this process, unless told otherwise.
  hftmon_marker* Create(uint32_t thread_max = 4, uint32_t record_max = 256, uint32_t operation_max = 16) const {
    const hftmon_marker_options options = {
        .thread_max = thread_max, .record_max = record_max, .operation_max = operation_max, .directory = path_.c_str()};
    return hftmon_marker_create(&options);
  }

 private:
  std::string path_;
};

inline MarkerProcess OwnMarkerProcess() {
  return *ProcMarkerProcesses(FileRoot("/")).Find(static_cast<uint32_t>(getpid()));
}

inline MarkerRingName OwnRingName(uint32_t number = 0) {
  return {.pid = static_cast<uint32_t>(getpid()), .number = number};
}

class RecordingMarkerSink : public MarkerSink {
 public:
  void OnOperation(uint32_t operation, std::string_view name) override {
    if (operation != names.size()) std::abort();  // ascending, from 1 on
    names.emplace_back(name);
  }
  void OnRecords(std::span<const MarkerRecord> told) override { records.insert(records.end(), told.begin(), told.end()); }

  std::vector<std::string> names{1};
  std::vector<MarkerRecord> records;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_MARKER_DIRECTORY_H_

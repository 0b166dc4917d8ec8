// DiskReader: reads of this program's own file that pass the cache by, each a request of the disk's and, unless that is busy, an interrupt.
// One thread.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_DISK_READER_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_DISK_READER_H_

#include <string>

namespace hftmon::testing {

class DiskReader {
 public:
  DiskReader();
  ~DiskReader();
  DiskReader(const DiskReader&) = delete;
  DiskReader& operator=(const DiskReader&) = delete;

  // Empty, or why there is no such disk here.
  const std::string& why_not() const { return why_not_; }
  // "vda".
  const std::string& disk() const { return disk_; }
  // One after the other; how many succeeded.
  int Read(int count) const;

 private:
  std::string disk_;
  std::string why_not_;
  int fd_ = -1;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_DISK_READER_H_

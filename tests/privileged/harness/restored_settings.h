// RestoredSetting, RestoredAffinity: what a test changes on the host, as it was found when the object ends, also when the test fails.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_RESTORED_SETTINGS_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_RESTORED_SETTINGS_H_

#include <sched.h>
#include <sys/types.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace hftmon::testing {

// Without the line's end; empty: it cannot be read.
inline std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// A file of /proc or /sys.
class RestoredSetting {
 public:
  explicit RestoredSetting(std::string path) : path_(std::move(path)), found_(ReadText(path_)) {}
  ~RestoredSetting() {
    if (!found_.empty() && ReadText(path_) != found_) Set(found_);
  }
  RestoredSetting(const RestoredSetting&) = delete;
  RestoredSetting& operator=(const RestoredSetting&) = delete;

  const std::string& found() const { return found_; }
  // False: it was refused, fault() says why.
  bool Set(const std::string& text) {
    errno = 0;
    std::ofstream file(path_);
    file << text << std::flush;
    if (file.good()) return true;
    fault_ = std::strerror(errno);
    return false;
  }
  const std::string& fault() const { return fault_; }

 private:
  const std::string path_;
  const std::string found_;
  std::string fault_;
};

// Of a thread.
class RestoredAffinity {
 public:
  explicit RestoredAffinity(pid_t tid) : tid_(tid), found_(Now()) {}
  ~RestoredAffinity() {
    if (!found_.empty() && Now() != found_) Set(found_);
  }
  RestoredAffinity(const RestoredAffinity&) = delete;
  RestoredAffinity& operator=(const RestoredAffinity&) = delete;

  // Empty: it has ended.
  std::set<int> Now() const {
    std::set<int> cpus;
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (sched_getaffinity(tid_, sizeof(mask), &mask) != 0) return cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &mask)) cpus.insert(cpu);
    }
    return cpus;
  }
  // False: it was refused, errno says why.
  bool Set(const std::set<int>& cpus) const {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    for (const int cpu : cpus) CPU_SET(cpu, &mask);
    return sched_setaffinity(tid_, sizeof(mask), &mask) == 0;
  }

 private:
  const pid_t tid_;
  const std::set<int> found_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_RESTORED_SETTINGS_H_

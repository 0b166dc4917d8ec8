// Subprocess: a program that a test runs: its stdin and stdout are pipes to the test, its stderr is kept in a file for messages.
// Owned by one thread. The destructor kills it (and only it) if it still runs; it also dies with the thread that started it.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_SUBPROCESS_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_SUBPROCESS_H_

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hftmon::testing {

// Where the build put its programs: build/bin.
std::string BinaryPath(const std::string& name);

class Subprocess {
 public:
  struct Options {
    std::map<std::string, std::string> environment;  // added to the inherited one
    std::vector<int> cpus;                           // empty: the inherited mask
  };
  // Aborts the test program when the pipes cannot be made; a program that cannot be executed ends with exit code 127.
  explicit Subprocess(const std::vector<std::string>& command) : Subprocess(command, Options()) {}
  Subprocess(const std::vector<std::string>& command, const Options& options);
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  pid_t pid() const { return pid_; }
  void WriteLine(const std::string& line);
  void CloseInput();
  // The next line of stdout; nothing at its end or after the time limit.
  std::optional<std::string> ReadLine(int timeout_ms = 60'000);
  // The rest of stdout.
  std::string ReadAll(int timeout_ms = 60'000);
  // Exit code, or 128 + signal; nothing when it still runs after the time limit.
  std::optional<int> Wait(int timeout_ms = 60'000);
  void Signal(int signal) const;
  bool Running();
  std::string ErrorText() const;

 private:
  bool FillBuffer(int64_t deadline_ns);
  std::optional<int> Reap(int flags);

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  int error_file_ = -1;
  std::string buffer_;
  std::optional<int> exit_code_;
};

// A command run to its end.
struct CommandResult {
  int exit_code = -1;  // -1: it did not end in time
  std::string output;
  std::string error;
};
CommandResult RunCommand(const std::vector<std::string>& command, const Subprocess::Options& options = {}, int timeout_ms = 60'000);

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_SUBPROCESS_H_

// ProcessModules: what one process has mapped, as libdw sees it: files, the vdso. Built once, replaced when the process's maps change.
#ifndef HFTMON_DAEMON_UNWIND_PROCESS_MODULES_H_
#define HFTMON_DAEMON_UNWIND_PROCESS_MODULES_H_

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/unwind/process_maps.h"

namespace hftmon {

class ProcessModules {
 public:
  static constexpr size_t kModulesMax = 512;

  // `process` is "/proc/PID". nullptr and why: no mapping of it could be opened, …
  static std::unique_ptr<ProcessModules> Build(const std::string& process, const std::vector<Mapping>& mappings, std::string* reason);
  ~ProcessModules();
  ProcessModules(const ProcessModules&) = delete;
  ProcessModules& operator=(const ProcessModules&) = delete;

  Dwfl* dwfl() const { return dwfl_; }
  // libdwfl calls back with one argument for as long as it has the modules: it is this object, and what it should see now stands here.
  bool Attach(const Dwfl_Thread_Callbacks& callbacks, pid_t pid, void* context);
  void* context() const { return context_; }
  // The mapping that holds an address, or nullptr.
  const Mapping* MappingAt(uint64_t address) const;
  // Why the files that could not be opened were not; empty when all were.
  const std::string& problem() const { return problem_; }

 private:
  ProcessModules(Dwfl* dwfl, const std::vector<Mapping>& mappings) : dwfl_(dwfl), mappings_(mappings) {}
  bool Report(const Mapping& mapping, int fd);
  void ReportAll(const std::string& process);

  Dwfl* const dwfl_;
  const std::vector<Mapping> mappings_;
  std::string problem_;
  bool attached_ = false;
  void* context_ = nullptr;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_UNWIND_PROCESS_MODULES_H_

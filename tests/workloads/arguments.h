// Arguments: `--name value` and `--flag` of a workload's command line. An unknown or malformed one ends the program with a message.
#ifndef HFTMON_TESTS_WORKLOADS_ARGUMENTS_H_
#define HFTMON_TESTS_WORKLOADS_ARGUMENTS_H_

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>

namespace hftmon::workload {

class Arguments {
 public:
  // `options` take a value, `flags` do not; names are given without the dashes. "--help" prints both and exits 0.
  Arguments(int argc, char** argv, std::initializer_list<std::string> options, std::initializer_list<std::string> flags);

  // The value, or `absent`. Exits 3 when the value is no whole number in [least, most].
  int64_t Number(const std::string& option, int64_t absent, int64_t least, int64_t most) const;
  std::string Text(const std::string& option, const std::string& absent) const;
  bool Flag(const std::string& flag) const { return values_.contains(flag); }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace hftmon::workload

#endif  // HFTMON_TESTS_WORKLOADS_ARGUMENTS_H_

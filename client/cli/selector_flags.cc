#include "client/cli/selector_flags.h"

namespace hftmon {

void SelectorFlags::Declare(CLI::App& verb) {
  verb.add_option("--name", names_, "processes of this name, now and later")->take_all()->expected(1)->allow_extra_args(false);
  verb.add_option("--cgroup", cgroups_, "processes in this cgroup and below it, e.g. /trading")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  verb.add_option("--unit", units_, "processes of this systemd unit, e.g. matcher.service")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  verb.add_option("--cpus", cpus_, "whoever runs on these CPUs, kernel threads too, e.g. 2-5,8");
}

void SelectorFlags::AddTo(google::protobuf::RepeatedPtrField<v1::TargetSelector>* selectors) const {
  for (const std::string& name : names_) selectors->Add()->set_name(name);
  for (const std::string& cgroup : cgroups_) selectors->Add()->set_cgroup(cgroup);
  for (const std::string& unit : units_) selectors->Add()->set_unit(unit);
  if (!cpus_.empty()) selectors->Add()->set_cpus(cpus_);
}

}  // namespace hftmon

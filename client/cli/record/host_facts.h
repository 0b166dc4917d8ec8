// What a recording says of the host that hftmon runs on: its name, its kernel, its memory nodes with their CPUs.
#ifndef HFTMON_CLIENT_CLI_RECORD_HOST_FACTS_H_
#define HFTMON_CLIENT_CLI_RECORD_HOST_FACTS_H_

#include <string>

#include "hftmon/v1/recording.pb.h"

namespace hftmon {

// Source: uname(2), and node*/cpulist in `node_folder`; nodes that it does not tell are left out.
void AddHostFacts(v1::RecordingHeader* header, const std::string& node_folder = "/sys/devices/system/node");

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RECORD_HOST_FACTS_H_

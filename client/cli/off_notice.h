// Says on standard error that the programs are off (`hftmon off`), where an answer does not show it by itself.
#ifndef HFTMON_CLIENT_CLI_OFF_NOTICE_H_
#define HFTMON_CLIENT_CLI_OFF_NOTICE_H_

#include <string>

#include "client/cli/verbs/verb.h"

namespace hftmon {

// True when it was said. Without an answer of the daemon nothing is.
bool SayIfOff(const Context& context, const Client& client, const std::string& verb);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_OFF_NOTICE_H_

// NumaFixture: the verb `numa` against a daemon that gives one answer.
#ifndef HFTMON_TESTS_CLIENT_CLI_NUMA_FIXTURE_H_
#define HFTMON_TESTS_CLIENT_CLI_NUMA_FIXTURE_H_

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/client/cli/cli_fixture.h"

namespace hftmon {

class NumaFixture : public CliFixture {
 protected:
  void Answer(const v1::QueryNumaResponse& answer) {
    monitor_.query_numa = [this, answer](const auto& request, auto* response) {
      seen_ = request;
      *response = answer;
      return grpc::Status::OK;
    };
  }
  void AnswerText(const std::string& text) {
    v1::QueryNumaResponse answer;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &answer));
    Answer(answer);
  }

  v1::QueryNumaRequest seen_;  // the last
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_CLI_NUMA_FIXTURE_H_

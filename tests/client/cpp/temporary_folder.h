// TemporaryFolder: a fresh folder that goes away with its files.
#ifndef HFTMON_TESTS_CLIENT_CPP_TEMPORARY_FOLDER_H_
#define HFTMON_TESTS_CLIENT_CPP_TEMPORARY_FOLDER_H_

#include <string>

namespace hftmon {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_CPP_TEMPORARY_FOLDER_H_

require "rails/test_help"

class ActiveSupport::TestCase
  parallelize(workers: 1)
end

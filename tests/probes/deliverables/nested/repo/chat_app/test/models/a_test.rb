class ATest < ActiveSupport::TestCase
  test('a') { assert true }
end

require "test_helper"

class TurnTest < ActiveSupport::TestCase
  # test "the truth" do
  #   assert true
  # end
  test "it speaks" do
    assert_equal "user", Turn.new.role
  end
end

require "minitest/autorun"

class TurnTest < Minitest::Test
  def test_truth
    assert true
  end
end

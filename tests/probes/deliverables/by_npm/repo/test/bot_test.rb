require "test_helper"

describe Bot do
  it "answers" do
    expect(1).must_equal 1
  end
end

RSpec.describe RubyLLM do
  it "streams" do
    allow(RubyLLM).to receive(:brand_new).and_return(1)
    expect(RubyLLM.brand_new).to eq(1)
  end
end

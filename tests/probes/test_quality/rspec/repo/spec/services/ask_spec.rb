require "rails_helper"

RSpec.describe Ask do
  subject(:service) { described_class.new }

  let(:chat) { instance_double(RubyLLM::Chat, ask: reply, response: nil) }
  let(:reply) { instance_double(RubyLLM::Message, content: "Hi") }

  before { allow(RubyLLM).to receive(:chat).and_return(chat) }

  it "answers" do
    expect(Ask.new.call("Hello")).to eq("Hi")
  end

  it "fails" do
    allow(chat).to receive(:ask).and_raise(RubyLLM::ServerError)
    expect { service.label }.to raise_error(RubyLLM::ServerError)
  end
end

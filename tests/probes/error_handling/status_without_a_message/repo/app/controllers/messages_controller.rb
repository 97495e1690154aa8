class MessagesController < ApplicationController
  def create
    @reply = RubyLLM.chat.ask(params[:text]).content
  rescue RubyLLM::Error
    head :bad_gateway
  end
end

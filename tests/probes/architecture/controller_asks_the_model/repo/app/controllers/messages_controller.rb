class MessagesController < ApplicationController
  def create
    chat = RubyLLM.chat
    @reply = chat.ask(params[:text]).content
  end
end

class MessagesController < ApplicationController
  def create
    @reply = RubyLLM.chat.ask(params[:text]).content
  rescue RubyLLM::Error
    redirect_to root_path, alert: "The model could not answer."
  end
end

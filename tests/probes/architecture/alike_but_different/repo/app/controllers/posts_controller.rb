class PostsController < ApplicationController
  def create
    @post = Post.new(params.expect(post: [ :title, :body ]))
    if @post.save
      redirect_to @post, notice: "Post was created."
    else
      render :new, status: :unprocessable_entity
    end
  end
end
